"""A third stranger: written from the field's notes alone, with an eye for whom a careless guard would cut off.

More kinds of customers than the others have (call shops and resellers in their first fortnight, ships with satellite
telephones, offices far from home), three other homes, switches that tick as often as each five seconds, frauds that
stay below what their victims do anyhow, and innocent surprises that cost as much as a fraud.
"""
