"""The function of the template: it tells what it was deployed with."""

import os

from shared import GREETING


def handler(event, context):
    return {"greeting": GREETING, "stage": os.environ["STAGE"], "name": os.environ["NAME"]}
