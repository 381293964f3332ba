"""What to train on while training: pruned epochs, synthetic samples by difficulty, diverse trajectories, latents, two modalities.

Every room below has its names in full.
"""
