"""The copy of what is published in an object store: where it is, and how it is kept up to date.

    <place>/_hipaa_mode.json                              the place is ours
           /<environment>/_at_work.json                   a build copies to it just now
           /<environment>/<destination>/manifest.json     names the folder that readers read
                                       /<run>/_run.json   the folder is ours: its files by name
                                       /<run>/<view>/<period>.parquet

Each time something changed, a destination gets a whole new folder. Its manifest, which names it,
is overwritten last and in one step, so that a reader finds the old folder or the new one.
"""
