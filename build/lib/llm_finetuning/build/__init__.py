"""The tools behind `make`: executing, comparing and refreshing notebooks, and building the site."""
