"""What each format of picture files says about its own damage."""
