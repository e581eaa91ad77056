import assert from "node:assert/strict";
import { test } from "node:test";

import {
  called,
  counted,
  cut,
  duration,
  heldTold,
  plain,
  several,
  shortPlace,
  targetName,
} from "../../racepage/report/viewer/words.mjs";

test("what does not show, or turns text around, is escaped", () => {
  assert.equal(
    plain("a\u202eb\nc\u0000\u2028\ufeff"),
    "a\\u{202e}b\\u{a}c\\u{0}\\u{2028}\\u{feff}",
  );
  assert.equal(plain("\ud800x"), "\\u{d800}x");
});

test("letters of every script are left alone", () => {
  assert.equal(plain("Größe 線程 поток 🧵"), "Größe 線程 поток 🧵");
});

test("targets are written as in a text trace", () => {
  assert.equal(targetName([0, "3", null], [0, 64]), "page:3[0:64]");
  assert.equal(targetName([5, "t1", null]), "t1");
  assert.equal(called([0, "3", "inbox[0]"]), "inbox[0]");
  assert.equal(called([4, "mmap", null]), "mmap");
});

test("numbers and times are told as people say them", () => {
  assert.equal(counted(1234567), "1,234,567");
  assert.equal(several(1, "event"), "1 event");
  assert.equal(several(2000, "event"), "2,000 events");
  assert.equal(duration(412), "412 ns");
  assert.equal(duration(3250), "3.25 µs");
  assert.equal(duration(2.5e9), "2.5 s");
});

test("what is too long is cut", () => {
  assert.equal(cut("abcdef", 4), "abc…");
  assert.equal(shortPlace("/home/me/project/inbox/page.py:3"), "…/inbox/page.py:3");
  assert.equal(shortPlace("page.py:3"), "page.py:3");
});

test("a page says which events of a long trace it holds", () => {
  const facts = (windows, findings, live) => ({
    events: 12345678,
    windows,
    findings: Array(findings).fill({}),
    live,
  });
  const dense = "12,345,678 events: the timeline shows their density";
  assert.equal(heldTold(facts(40, 40)), `${dense}; events are in the windows around 40 findings`);
  assert.equal(heldTold(facts(1, 1)), `${dense}; events are in the windows around 1 finding`);
  assert.equal(
    heldTold(facts(200, 1234)),
    `${dense}; events are in the windows around the first 200 of 1,234 findings`,
  );
  assert.equal(heldTold(facts(0, 0)), dense);
  assert.equal(heldTold(facts(0, 3, {})), `${dense}, and events as you come closer`);
});
