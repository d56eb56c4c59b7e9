"""What the circuit does and why: traces, lesions, saliency, experiments, representations, weights."""
