"""The names that other libraries and papers give to what a document says."""

from __future__ import annotations


def _table(text: str) -> dict[str, tuple[str, ...]]:
    """Return, for each foreign name, the names of ours that it may stand for."""
    table: dict[str, tuple[str, ...]] = {}
    ours = ""
    for word in text.split():
        if word.endswith(":"):
            ours = word[:-1]
        else:
            table[word] = (*table.get(word, ()), ours)
    return table


KEYS = _table("""
    type: kind name class layer op function
    units: neurons nodes size outputs outfeatures outputsize hidden hiddensize hiddenunits dim width
        nunits numunits
    filters: channels outchannels
    kernel_size: kernel ksize
    strides: stride
    rate: p dropout droprate dropoutrate prob probability
    activation: nonlinearity act fn
    use_bias: bias hasbias withbias
    kernel_init: kernelinitializer weightinit weightsinit weightinitializer init initializer
    bias_init: biasinitializer
    kernel_regularizer: regularizer weightregularizer kernelregularization
    gamma_init: gammainitializer weightinit
    beta_init: betainitializer biasinit
    gamma_regularizer: weightregularizer
    alpha_init: alphainitializer
    embeddings_init: embeddingsinitializer
    recurrent_kernel_init: recurrentinitializer recurrentinit
    recurrent_kernel_regularizer: recurrentregularizer
    reverse: gobackwards backwards
    merge: mergemode
    moving_mean_init: movingmeaninitializer
    moving_variance_init: movingvarianceinitializer
    scale: affine elementwiseaffine
    groups: numgroups ngroups
    size: scale scalefactor factor
    interpolation: mode
    dims: axes order perm
    shared_axes: sharedaxis
    pieces: nbfeature numpieces poolsize
    input_dim: numembeddings vocabsize vocabularysize cardinality
    output_dim: embeddingdim embeddingsize
    slope: alpha negativeslope leak
    alpha: slope
    learning_rate: lr eta stepsize lrate alpha
    weight_decay: decay l2 wd
    beta1: b1 betas
    beta2: b2
    epsilon: eps
    epochs: nepochs numepochs nbepoch nbepochs maxepochs iterations niter maxiter passes
    batch_size: batch batchlength minibatch minibatchsize bs
    optimizer: optim optimiser solver algorithm
    schedule: scheduler lrschedule lrscheduler learningrateschedule
    early_stopping: earlystop stopping
    patience: wait
    min_delta: delta tolerance tol mindelta
    clip_norm: gradclip clip maxnorm gradclipnorm clipgradnorm maxgradnorm clipnorm
    clip_value: clipvalue
    accumulate: accumulationsteps gradaccumulation accumulategradbatches gradientaccumulationsteps
    max_seconds: timeout timelimit maxtime
    loss: criterion objective cost lossfunction costfunction lossfn
    layers: model network architecture net modules
    data: dataset datasets input inputs
    training: train fit trainer hyperparameters
    metrics: metric measures evaluation
    seed: randomseed randomstate rng
    dtype: precision floatx datatype
    name: title experiment
    specnet: version
    target: label labels y targetcolumn
    targets: labels y outputs target
    inputs: x features input
    weight: weights sampleweight sampleweights
    path: file filename csv url source folder directory root
    features: columns inputs
    delimiter: sep separator fieldsep delimwhitespace
    skip_rows: skiprows skip skiplines
    comment: comments commentchar
    decimal: decimalseparator decimalpoint dec
    thousands: thousandsseparator bigmark groupingmark
    validation: val valid dev validationsplit valsplit validationfraction valsize valfraction
    test: testing testsplit testfraction testsize
    stratify: stratified
    transforms: preprocessing transform preprocess
    augmentations: augmentation augment dataaugmentation
    tokens: tokenizer tokenization vocab vocabulary
    block: blocksize contextlength contextsize seqlen sequencelength seqlength bptt maxseqlen
    length: maxlen maxlength outputsequencelength padto
    truncate: truncation truncating
    normalization: normalisation normalform unicodenormalization
    lowercase: lower dolowercase
    min_count: mincount minfreq minfrequency mindf
    size: vocabsize vocabularysize maxtokens maxfeatures numwords
    samples: nsamples count rows size
    noise: std stddev sigma
    stddev: std sigma noise scale
    size: imagesize targetsize inputsize shape
    resize: fit fitting mode
    degrees: angle factor rotation
    fill: fillvalue fillmode cval value
    probability: p prob rate
    label_smoothing: smoothing
    class_weights: classweight weights weight
    reduction: reduce aggregate
""")
"""Keys that stand for one or several of ours, in folded form."""

KINDS = {
    "layer": _table("""
        dense: linear fc fullyconnected fullyconnectedlayer affine innerproduct perceptron denselayer mlp
        activation: nonlinearity act
        dropout: drop dropoutlayer
        flatten: flattening ravel
        reshape: view
        permute: transpose permutedims
        zero_padding1d: zeropad1d pad1d
        zero_padding2d: zeropad2d pad2d pad padding
        cropping1d: crop1d
        cropping2d: crop2d crop centercrop
        upsampling1d: upsample1d
        upsampling2d: upsample upsample2d upsamplingnearest2d upsamplingbilinear2d resize unpooling
        batch_norm: batchnormalization batchnorm1d batchnorm2d bn
        layer_norm: layernormalization ln
        rms_norm: rmsnormalization rootmeansquarenorm
        group_norm: groupnormalization gn
        instance_norm: instancenormalization instancenorm1d instancenorm2d
        spatial_dropout: spatialdropout1d spatialdropout2d dropout1d dropout2d featuredropout
        gaussian_noise: noise
        stochastic_depth: droppath
        prelu: parametricrelu
        glu: gatedlinearunit
        maxout: maxoutdense
        embedding: embed embeddings lookup lookuptable
        conv1d_transpose: convtranspose1d deconv1d
        conv2d_transpose: convtranspose2d deconv deconv2d deconvolution
        local_response_norm: lrn localresponsenormalization
        rbf: radialbasisfunction rbflayer
        channel_zero_padding: channelpad channelpadding
    """),
    "activation": _table("""
        linear: identity none id
        sigmoid: logistic expit
        relu: rectifier rectified rectifiedlinear
        leaky_relu: lrelu lreluactivation
        silu: swish
        hard_sigmoid: hsigmoid
        hard_tanh: htanh
        softmax: softargmax
    """),
    "loss": _table("""
        mse: meansquarederror l2 l2loss squarederror squared mseloss quadratic
        mae: meanabsoluteerror l1 l1loss absoluteerror absolute
        huber: huberloss smoothl1 smoothl1loss
        cross_entropy: crossentropyloss categoricalcrossentropy sparsecategoricalcrossentropy nll nllloss ce
            xent softmaxcrossentropy logloss negativeloglikelihood
        binary_cross_entropy: bce bceloss bcewithlogits bcewithlogitsloss binarycrossentropy
        kl_divergence: kl kld kldiv kldivloss kullbackleibler
        poisson: poissonnll poissonnllloss
        hinge: hingeloss svm
    """),
    "optimizer": _table("""
        sgd: gd gradientdescent stochasticgradientdescent momentum nesterov vanilla
        rmsprop: rms
        adam: amsgrad adamoptimizer
    """),
    "schedule": _table("""
        constant: fixed none
        step: steplr stepdecay
        multistep: multisteplr milestones piecewise piecewiseconstant
        exponential: exponentiallr exponentialdecay exp
        cosine: cosinedecay cosineannealing cosineannealinglr cosineannealingwarmrestarts
        linear: linearlr lineardecay
        polynomial: polynomiallr polynomialdecay poly
        inverse_sqrt: noam rsqrt inversesqrtlr
        one_cycle: onecyclelr
        plateau: reducelronplateau reduceonplateau
    """),
    "initializer": _table("""
        zeros: zero
        ones: one
        constant: fill full value
        normal: gaussian randomnormal randn
        uniform: randomuniform random rand
        truncated_normal: truncnormal truncatednormal
        glorot_uniform: xavier glorot xavieruniform
        glorot_normal: xaviernormal
        he_uniform: kaiminguniform
        he_normal: he kaiming kaimingnormal msra
        lecun_normal: lecun
        identity: eye
    """),
    "metric": _table("""
        accuracy: acc categoricalaccuracy binaryaccuracy sparsecategoricalaccuracy
        top_k: topkaccuracy top5 topk
        f1: f1score fscore fmeasure
        auc: rocauc aucroc roc
        r2: r2score rsquared
        mse: meansquarederror l2
        mae: meanabsoluteerror l1
        rmse: rootmeansquarederror
        confusion: confusionmatrix confmat
        iou: jaccard jaccardscore jaccardindex meaniou miou intersectionoverunion
        dice: dicescore dicecoefficient
    """),
    "data format": _table("""
        csv: table file tsv pandas dataframe
        npz: numpy npy
        idx: mnist ubyte
        images: imagefolder imagedatasetfromdirectory pictures photos png jpeg folder
        builtin: iris digits sklearn dataset
        synthetic: generated random make moons circles blobs xor spirals toy
        inline: list array literal values
        text: txt textfile textlines textlinedataset languagemodel corpus
    """),
    "transform": _table("""
        standardize: standardscaler normalize normalise zscore standard whiten standardise
        minmax: minmaxscaler rescale
        robust_scale: robustscaler robust
        scale: multiply
        smooth_clip: softclip squash
        one_hot: onehotencoder categorical
        flatten: ravel
    """),
    "augmentation": _table("""
        flip: randomflip randomhorizontalflip randomverticalflip mirror hflip vflip horizontalflip verticalflip
        pad_crop: randomcrop crop padandcrop padcrop
        shift: randomtranslation translate translation randomaffine
        rotate: randomrotation rotation
        cutout: randomerasing erasing coarsedropout
        mixup: mix
    """),
    "tokenizer": _table("""
        char: character characters chars letter letters
        byte: bytes utf8
        word: words whitespace split
        bpe: bytepair bytepairencoding sentencepiece wordpiece unigram subword
    """),
    "regularizer": _table("""
        l1: lasso
        l2: ridge weightdecay tikhonov
        l1_l2: elasticnet
    """),
}
"""Names that stand for a kind of each family, in folded form."""
