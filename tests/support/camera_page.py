"""The Camera page as the browser tests use it: what it asks the browser for can be seen and held back."""

import re

from playwright.sync_api import Page, expect

WATCH = """
// window.streams has all streams that the browser gave; while window.isHeld it gives none, until allow().
window.streams = [];
window.refusals = 0;
window.held = [];
window.allow = () => { window.isHeld = false; window.held.forEach((go) => go()); };
if (navigator.mediaDevices) {
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    if (window.isHeld) await new Promise((go) => window.held.push(go));
    try {
      const stream = await ask(wanted);
      window.streams.push(stream);
      return stream;
    } catch (error) {
      window.refusals += 1;
      throw error;
    }
  };
}
window.liveStreams = () =>
  window.streams.filter((stream) => stream.getTracks().some(({ readyState }) => readyState === "live")).length;

// window.sockets has the camera's connections, window.widths those of the frames that were answered.
window.sockets = [];
window.widths = [];
window.openSockets = () => window.sockets.filter(({ readyState }) => readyState <= WebSocket.OPEN).length;
window.WebSocket = class extends WebSocket {
  constructor(url, ...more) {
    super(url, ...more);
    if (!String(url).includes("/camera/stream/")) return;
    window.sockets.push(this);
    this.addEventListener("message", ({ data }) => {
      const { type, width } = JSON.parse(data);
      if (type === "frame") window.widths.push(width);
    });
  }
  // From now on nothing reaches the server, not even the end; what it sends still comes.
  cut() {
    this.unsent = 0;
    this.send = () => { this.unsent += 1; };
    this.close = () => {};
  }
  // What is asked of it waits until release().
  hold() {
    const asked = [];
    this.send = (data) => asked.push(() => this.send(data));
    this.close = () => asked.push(() => this.close());
    this.release = () => {
      delete this.send;
      delete this.close;
      asked.forEach((ask) => ask());
    };
  }
  // Answers come window.delay milliseconds later.
  set onmessage(handler) {
    this.handler = handler;
    super.onmessage = handler && ((event) => {
      if (!window.delay || !this.url.includes("/camera/stream/")) return handler(event);
      setTimeout(() => this.handler?.(event), window.delay);
    });
  }
};

// So many milliseconds pass at once.
let skipped = 0;
const now = performance.now.bind(performance);
performance.now = () => now() + skipped;
window.skip = (milliseconds) => { skipped += milliseconds; };
"""
"""A script for the page that says what its camera asked the browser for, and holds it back."""


def start(page: Page) -> None:
    """Press Start and wait for the first answer."""
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".picture")).to_have_attribute("data-index", re.compile(r"^\d+$"))


def wait_for_answers(page: Page, count: int = 5) -> None:
    """Wait until so many more answers have been painted."""
    picture = page.locator(".picture")
    picture.evaluate(
        "(canvas, count) => new Promise((done) => { let left = count;"
        " const seen = new MutationObserver((changes) => { left -= changes.length; if (left <= 0) {"
        " seen.disconnect(); done() } }); seen.observe(canvas, { attributeFilter: ['data-index'] }) })",
        count,
    )
