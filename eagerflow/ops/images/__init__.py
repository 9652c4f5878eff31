"""Images resized, cut, warped, filtered, and their colours."""
