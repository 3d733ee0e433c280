"""The console: pages for records staff, list administrators, auditors, operators and administrators."""
