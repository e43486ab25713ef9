"""Dataset versions as people handle them: card and pictures, list, comparison, proof, export."""
