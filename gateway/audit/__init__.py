"""The audit trail: who did what, when and by which policy, in chains that cannot be edited unseen."""
