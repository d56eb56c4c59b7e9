"use strict";

// The one time that everything on the page shows: that of the media, or a silent one where none can play.
class Clock {
  constructor(media, duration) {
    this.media = media;
    this.duration = duration;
    this.time = 0;
    this.playing = false;
    this.silent = false;
    this.listeners = [];
    this.expected = 0;
    media.addEventListener("play", () => this.start());
    media.addEventListener("pause", () => this.stop());
    media.addEventListener("ended", () => this.stop());
    media.addEventListener("loadedmetadata", () => { if (this.time > 0) this.seek(this.time); });
    media.addEventListener("seeking", () => {
      if (Math.abs(media.currentTime - this.expected) > 0.02) this.show(media.currentTime);
    });
  }

  onChange(listener) { this.listeners.push(listener); }

  show(time) {
    this.time = Math.min(Math.max(time, 0), this.duration);
    for (const listener of this.listeners) listener(this);
  }

  seek(time) {
    this.show(time);
    if (this.silent || !this.media.duration) return;
    this.expected = Math.min(this.time, this.media.duration);
    this.media.currentTime = this.expected;
  }

  toggle() {
    if (!this.playing && this.time >= this.duration - 0.01) this.seek(0);
    if (this.silent) return this.playing ? this.stop() : this.start();
    if (this.media.paused) this.media.play().catch(() => this.stop());
    else this.media.pause();
    return undefined;
  }

  start() {
    this.playing = true;
    let before = performance.now();
    const step = (now) => {
      if (!this.playing) return;
      this.show(this.silent ? this.time + (now - before) / 1000 : this.media.currentTime);
      before = now;
      if (this.silent && this.time >= this.duration) this.stop();
      else requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  stop() {
    this.playing = false;
    this.show(this.silent || !this.media.duration || this.media.ended ? this.time : this.media.currentTime);
  }
}

// Hand the embedded media to the player, from where it can be played at any place.
function loadMedia(media, store) {
  const letters = store.textContent;
  if (!letters) return;
  const piece = 1 << 20; // letters at a time, in fours
  const parts = [];
  for (let start = 0; start < letters.length; start += piece) {
    const bytes = atob(letters.slice(start, start + piece));
    const part = new Uint8Array(bytes.length);
    for (let i = 0; i < bytes.length; i++) part[i] = bytes.charCodeAt(i);
    parts.push(part);
  }
  media.src = URL.createObjectURL(new Blob(parts, { type: media.dataset.type }));
  store.remove();
}
