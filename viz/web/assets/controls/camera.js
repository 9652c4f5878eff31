// The camera: only after a click, and only until the next one. Its pictures go to the model and nowhere else.

import { button, el } from "../../../page/assets/app/dom.js";

export class Camera {
  constructor(onframe) {
    this.onframe = onframe;
    this.video = el("video", { playsinline: true });
    this.video.muted = true;
    this.button = button("Camera", "show the model what the camera sees; it stays on this device", () => (this.stream ? this.stop() : this.start()), { "aria-pressed": "false" });
    this.message = el("p", { class: "remark", role: "alert", hidden: true });
    this.button.hidden = !(navigator.mediaDevices && navigator.mediaDevices.getUserMedia);
    document.addEventListener("visibilitychange", () => document.hidden && this.stop());
  }

  async start() {
    this.message.hidden = true;
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch (error) {
      this.message.hidden = false;
      this.message.textContent = error.name === "NotAllowedError" ? "The browser does not allow the camera here." : "There is no camera.";
      return;
    }
    this.video.srcObject = this.stream;
    await this.video.play();
    this.button.setAttribute("aria-pressed", "true");
    this.button.textContent = "Stop";
    this.frame();
  }

  // One picture after the other: the next is taken when the model is done with the last.
  async frame() {
    if (!this.stream) return;
    await this.onframe(this.video);
    requestAnimationFrame(() => this.frame());
  }

  stop() {
    if (!this.stream) return;
    this.stream.getTracks().forEach((track) => track.stop());
    this.stream = this.video.srcObject = null;
    this.button.setAttribute("aria-pressed", "false");
    this.button.textContent = "Camera";
  }
}
