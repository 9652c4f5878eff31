"""What every floor stands on and no mathematics needs: errors, settings, files, names, nested structures."""
