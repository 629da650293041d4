"""The code that the notebooks teach and share. Import it from the folder that holds it: nothing to install."""
