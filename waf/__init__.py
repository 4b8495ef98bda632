"""What the detection engine finds and refuses, measured on corpora that know nothing of how it decides."""
