from __future__ import annotations

from gateway.detections import MOST, Detections, Field


def field(name: str) -> Field:
    return Field("body", name, "card")


def test_messages_are_counted_by_field_with_the_first_and_the_last_time() -> None:
    moments = iter([1.0, 5.0])
    detections = Detections(lambda: next(moments))
    detections.add("pay", [field("/a")])
    detections.add("pay", [field("/a"), field("/b")])
    seen = detections.all()["pay"]
    assert (seen[field("/a")].count, seen[field("/a")].first, seen[field("/a")].last) == (2, 1.0, 5.0)
    assert detections.counts() == {("pay", "body:/a", "card"): 2, ("pay", "body:/b", "card"): 1}


def test_fields_of_a_route_are_bounded_and_the_rest_is_counted_together() -> None:
    detections = Detections()
    for number in range(MOST + 30):
        detections.add("pay", [field(f"/{number}")])
    detections.add("other", [field("/x")])
    assert len(detections.all()["pay"]) == MOST + 1
    assert detections.counts()["pay", "body:other", "card"] == 30
    assert detections.counts()["other", "body:/x", "card"] == 1


def test_what_was_not_looked_at_is_counted() -> None:
    detections = Detections()
    detections.pass_over("pay")
    detections.pass_over("pay")
    assert detections.unseen == {"pay": 2}
