"""The keys of the fake Stripe. They open nothing else."""

API_KEY, WEBHOOK_SECRET = "sk_test_kinora", "whsec_kinora"
