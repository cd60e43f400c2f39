// The connection to the server: one frame on its way, tried again after a loss. See docs/camera.md.

const VERSION = 1;
const HEADER = 16;
const REFUSED = 4000; // closed for a reason that trying again does not change
const UNKNOWN = 4001; // the server has started anew: the page will get another address
const SLOWEST = 5000; // milliseconds between two attempts
const LOST = 10000; // milliseconds without an answer, also to the call, after which a connection counts as lost

export class Connection {
  constructor(url, on) {
    this.url = url;
    this.on = on; // {open, frame, state, error, lost, unknown, refused}
    this.socket = null;
    this.waiting = 500;
    this.sent = null; // {index, at} of the frame on its way
    this.called = 0; // when the socket was opened
    this.isTaken = false; // whether the server has said that it takes the camera, by its first message
    this.timer = null;
    this.open();
  }

  open() {
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.called = performance.now();
    this.isTaken = false;
    socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
    socket.onclose = ({ code, reason }) => {
      this.leave();
      if (code === REFUSED) return this.on.refused(reason);
      if (code === UNKNOWN) return this.on.unknown();
      this.retry(reason);
    };
  }

  // Gives the socket up: nothing of it counts any more. Its own end comes minutes later where nothing gets through.
  leave() {
    const { socket } = this;
    this.socket = this.sent = null;
    if (!socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
  }

  retry(reason) {
    this.on.lost(reason);
    this.timer = setTimeout(() => this.open(), this.waiting);
    this.waiting = Math.min(2 * this.waiting, SLOWEST);
  }

  receive(message) {
    if (!this.isTaken) {
      this.isTaken = true;
      this.on.open();
    }
    if (message.type === "frame") {
      this.waiting = 500;
      const { sent } = this;
      this.sent = null;
      if (sent?.index === message.index) this.on.frame(message, performance.now() - sent.at);
    } else if (message.type === "error") {
      this.sent = null;
      this.on.error(message.message);
    } else {
      this.on.state(message);
    }
  }

  get isOpen() {
    return this.isTaken && this.socket?.readyState === WebSocket.OPEN;
  }

  // Whether the next frame can be sent. A connection that has kept silent for too long is given up here.
  isFree() {
    const isCalling = this.socket !== null && !this.isTaken;
    const since = this.sent?.at ?? (isCalling ? this.called : null);
    if (since !== null && performance.now() - since > LOST) {
      this.leave();
      this.retry();
    }
    return this.isOpen && !this.sent;
  }

  // Sends a frame: bytes of a JPEG file, with its number and time in seconds.
  send(index, time, jpeg, at) {
    const message = new Uint8Array(HEADER + jpeg.length);
    const view = new DataView(message.buffer);
    view.setUint8(0, VERSION);
    view.setUint32(4, index, true);
    view.setFloat64(8, time, true);
    message.set(jpeg, HEADER);
    this.sent = { index, at };
    this.socket.send(message);
  }

  ask(type) {
    if (this.isOpen) this.socket.send(JSON.stringify({ type }));
  }

  // Ends the recording and then the connection; done is called when the server has ended both.
  finish(done) {
    const { socket } = this;
    const end = () => {
      this.close();
      done();
    };
    if (!this.isOpen) return end();
    this.ask("stop");
    socket.onmessage = ({ data }) => JSON.parse(data).type === "state" && end();
    socket.onclose = end;
  }

  close() {
    clearTimeout(this.timer);
    this.leave();
  }
}
