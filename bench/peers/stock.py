"""The peer: a small function of FastAPI, Mangum, Powertools and pynamodb, as their documentation shows them.

Its one endpoint reads an item of a table and writes it. It stands frozen: a change of it would move all ratios.
"""

from datetime import UTC, datetime

from aws_lambda_powertools import Logger
from fastapi import FastAPI
from mangum import Mangum
from pydantic import BaseModel, Field
from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.models import Model


class Item(Model):
    class Meta:
        table_name = "stock-items"
        region = "us-east-1"

    item_id = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute()
    changes = NumberAttribute(default=0)
    changed_at = UTCDateTimeAttribute(null=True)


class Change(BaseModel):
    name: str = Field(min_length=1, max_length=100)


class ItemView(BaseModel):
    item_id: str
    name: str
    changes: int
    changed_at: datetime


logger = Logger(service="stock")
app = FastAPI()


@app.post("/items/{item_id}")
def change(item_id: str, body: Change) -> ItemView:
    """Change the name of the item, and create the item if there is none."""
    try:
        item = Item.get(item_id)
    except Item.DoesNotExist:
        item = Item(item_id, changes=0)
    item.name, item.changes, item.changed_at = body.name, item.changes + 1, datetime.now(UTC)
    item.save()
    logger.info("item changed", extra={"item_id": item_id})
    return ItemView(item_id=item_id, name=item.name, changes=int(item.changes), changed_at=item.changed_at)


handler = logger.inject_lambda_context(Mangum(app, lifespan="off"))
