"""View models: what the store holds, as rows, forms and sheets; pure, without a screen, a clock or a connection."""
