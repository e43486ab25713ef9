"""Where each verdict goes: to training, to a reviewer, or nowhere."""
