"""Test vectors for implementations in any language: problems with proved answers, and the faults that each reveals."""
