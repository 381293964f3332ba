"""Checks: one file a published table; each public function takes the table's path and yields its figures."""
