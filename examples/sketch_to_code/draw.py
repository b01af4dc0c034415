"""Draws sketch.png: boxes and arrows by an unsteady hand. Run by those who want another picture, never by the example.

It needs Pillow, and a font that looks like handwriting: ``python draw.py FONT.ttf sketch.png``.
"""

from __future__ import annotations

import math
import random
import sys
from itertools import pairwise

from PIL import Image, ImageDraw, ImageFilter, ImageFont

WIDTH, HEIGHT, FINE = 1200, 620, 2  # drawn FINE times as large
PAPER, INK, BLUE, RED = (252, 250, 243), (45, 45, 55), (40, 80, 160), (180, 50, 45)

Point = tuple[float, float]


class Hand:
    """Draws lines that are not quite straight and letters that are not quite level."""

    def __init__(self, font: str) -> None:
        self.image = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE), PAPER)
        self.draw = ImageDraw.Draw(self.image)
        self.font = font
        self.chance = random.Random(7)

    def line(self, *points: Point, colour: tuple[int, int, int] = INK, width: float = 2.6) -> None:
        """A line through points, with a tremble that grows and fades."""
        path: list[Point] = []
        for (x, y), (to_x, to_y) in pairwise(points):
            length = math.hypot(to_x - x, to_y - y)
            phase, swing = self.chance.uniform(0, 6), self.chance.uniform(0.8, 1.8)
            for step in range(count := max(int(length / 4), 2)):
                part = step / (count - 1)
                off = swing * math.sin(phase + length * part / 38) + self.chance.gauss(0, 0.25)
                across, along = (y - to_y) / length, (to_x - x) / length
                path.append((x + (to_x - x) * part + across * off, y + (to_y - y) * part + along * off))
        scaled = [(x * FINE, y * FINE) for x, y in path]
        self.draw.line(scaled, fill=colour, width=round(width * FINE), joint="curve")

    def box(self, x: float, y: float, width: float, height: float) -> None:
        """A box whose corners are overshot, as one draws it."""
        jitter = self.chance.uniform
        corners = [
            (x + jitter(-3, 3), y + jitter(-3, 3)),
            (x + width + jitter(-3, 3), y + jitter(-3, 3)),
            (x + width + jitter(-3, 3), y + height + jitter(-3, 3)),
            (x + jitter(-3, 3), y + height + jitter(-3, 3)),
        ]
        self.line(*corners, (corners[0][0] + 4, corners[0][1] - 5))

    def arrow(self, start: Point, end: Point) -> None:
        """An arrow with an open head."""
        self.line(start, end, colour=BLUE)
        angle = math.atan2(end[1] - start[1], end[0] - start[0])
        for turn in (2.6, -2.55):
            tip = (end[0] + 16 * math.cos(angle + turn), end[1] + 16 * math.sin(angle + turn))
            self.line(end, tip, colour=BLUE)

    def write(
        self,
        x: float,
        y: float,
        text: str,
        size: int = 28,
        colour: tuple[int, int, int] = INK,
        *,
        middle: bool = False,
    ) -> None:
        """A line of text, its letters a little up and down; from `x` on, or with its middle there."""
        font = ImageFont.truetype(self.font, size * FINE)
        at = x * FINE - (font.getlength(text) / 2 if middle else 0)
        for letter in text:
            lift = self.chance.uniform(-1.0, 1.0) * FINE
            self.draw.text((at, y * FINE + lift), letter, font=font, fill=colour, anchor="ls")
            at += font.getlength(letter) + self.chance.uniform(-0.3, 0.6) * FINE


def sketch(hand: Hand) -> None:
    """The system: what comes in, three steps, what comes out, and an example."""
    hand.write(48, 78, "totals(orders)", 44)
    hand.line((46, 98), (310, 95), colour=RED)
    boxes = [
        (50, "orders", "a list of", "[id, customer, cents]"),
        (345, "drop repeats", "same id again?", "keep the first"),
        (640, "add up", "cents per customer;", "refunds are below 0"),
        (935, "sort", "biggest first,", "ties from a to z"),
    ]
    for number, (x, title, first, second) in enumerate(boxes):
        hand.box(x, 150, 205, 88)
        hand.write(x + 102, 203, title, 32, middle=True)
        hand.write(x, 278, first, 24)
        hand.write(x, 316, second, 24)
        if number:
            hand.arrow((x - 84, 195), (x - 8, 194))
    hand.arrow((1041, 342), (1042, 388))
    hand.write(1035, 424, "[[customer, cents], ...]", 27, middle=True)
    hand.write(1035, 466, "0 left? leave out!", 25, RED, middle=True)
    hand.write(48, 478, "e.g.", 30, RED)
    hand.write(
        48, 528, '[[1, "ann", 500], [2, "cy", 300], [1, "ann", 500], [3, "bob", 300], [4, "ann", -100]]', 27
    )
    hand.arrow((60, 568), (112, 568))
    hand.write(132, 576, '[["ann", 400], ["bob", 300], ["cy", 300]]', 27)


def main() -> None:
    """Draw the sketch into a file."""
    font, path = sys.argv[1:]
    hand = Hand(font)
    sketch(hand)
    shown = (WIDTH * 5 // 6, HEIGHT * 5 // 6)
    whole = hand.image.filter(ImageFilter.GaussianBlur(0.8)).resize(shown, Image.Resampling.LANCZOS)
    whole.rotate(0.5, fillcolor=PAPER, resample=Image.Resampling.BICUBIC).quantize(
        12, Image.Quantize.MAXCOVERAGE
    ).save(path, optimize=True)


if __name__ == "__main__":
    main()
