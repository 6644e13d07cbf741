"""How large an output will be: estimates, and what measurements make of them."""
