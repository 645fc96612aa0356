"""`python -m tools.stripe_catalogue`: create Kinora's products and prices at Stripe.

`STRIPE_API_KEY` is the key. The command can run again: a price that exists is left as it is, and a changed one is
replaced. Subscribers keep their old price.
"""

import os

from local.stripe.catalogue import add_catalogue

if __name__ == "__main__":
    for line in add_catalogue(os.environ["STRIPE_API_KEY"], os.environ.get("STRIPE_URL", "https://api.stripe.com")):
        print(line)
