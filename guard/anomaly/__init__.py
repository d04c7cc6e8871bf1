"""The anomaly model: what an account does now, against what good accounts and it itself usually do.

    observations --> recent (sums of the last hour) --> measures (what was done, what is usual) --> features
    features --> forest, novelty, magnitude --> one score, in decades of rarity --> calibrated mark --> alarm in words

One definition of measures and features serves training and the daemon alike. What is learned is an artefact: a folder
with one ONNX graph and a manifest, and nothing in it that runs. scikit-learn is imported by `training` alone, and the
ONNX Runtime by `scorer` alone, each where it is used: a daemon without the model loads neither.

Nothing here moves money or blocks anybody: an alarm goes into the engine as an input with its time, and
`guard.core.anomaly` decides what it comes to. Floats are fit for scores; money stays whole in the engine.
"""
