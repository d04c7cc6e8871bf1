"""A second stranger: other customers, prices, switches, frauds and surprises than the first one's, for the same judge.

Written by another hand from the contract and the field alone: dearer retail prices, connection fees and minimum
charges, ticks of ten to sixty seconds, homes on other continents, customers whom billing has never told of, limits of
two or three months that may be small. Who agrees with one stranger only may have learned him by heart.
"""
