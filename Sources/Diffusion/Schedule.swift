// Diffusion schedules and samplers.
