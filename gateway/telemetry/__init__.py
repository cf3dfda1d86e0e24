"""What the gateway tells of its work: counts, gauges and spans, of ids, codes and numbers; never a patient's text."""
