"""Tests of webhooks: couriers in virtual time, bodies, real receivers, and the daemon killed between the two."""
