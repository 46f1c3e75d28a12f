"""Who may see what of the evaluation, asked once, and what each list reads; a module for each matter."""
