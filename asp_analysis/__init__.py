"""ASP analytics workbench: costs, estimates, defects and earned autonomy of AI coding agents."""

__version__ = "0.1.0"
