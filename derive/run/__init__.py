"""What one run is made with: flag, then file, then default; its batches in order."""
