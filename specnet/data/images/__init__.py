"""Images as files and as pixels; nothing here imports more than a process needs that only decodes."""
