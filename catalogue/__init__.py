"""What is known of vendors and models: data files only; `storage.catalogue` reads them."""
