"""What a charging session costs: tariffs as OCPI 2.2.1 names them, and the arithmetic. No I/O."""
