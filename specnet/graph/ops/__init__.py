"""The op table by family; one op is one statement."""

from specnet.graph.ops.activations import *
from specnet.graph.ops.collectives import *
from specnet.graph.ops.convolution import *
from specnet.graph.ops.elementwise import *
from specnet.graph.ops.fixed import *
from specnet.graph.ops.indexing import *
from specnet.graph.ops.joining import *
from specnet.graph.ops.linear import *
from specnet.graph.ops.noise import *
from specnet.graph.ops.normalising import *
from specnet.graph.ops.normalising_groups import *
from specnet.graph.ops.pooling import *
from specnet.graph.ops.reductions import *
from specnet.graph.ops.sampling import *
from specnet.graph.ops.scan import *
from specnet.graph.ops.shaping import *
from specnet.graph.ops.shard import *
from specnet.graph.ops.stretching import *
