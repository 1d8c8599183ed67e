"""Static proof: what each destination receives, read from the compiled SQL of the models.

`terms` reads SQL, `reviewed` holds the forms that count as safe, `manifest` finds the models and
`proof` judges every column and predicate of every destination view. No database, no key and no
raw calls are needed.
"""
