"""The formats that files may have, one module each; it ends with its `FORMAT`, which `registry` lists."""
