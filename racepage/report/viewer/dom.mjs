// Making elements. Whatever a trace says goes in as text, here and nowhere else: no markup is parsed.

const SVG = "http://www.w3.org/2000/svg";

/** An element: attributes by name, `on…` for listeners, `null` and `false` left out. */
export function el(tag, attributes = {}, ...children) {
  return dressed(document.createElement(tag), attributes, children);
}

/** The same for drawings. */
export function svg(tag, attributes = {}, ...children) {
  return dressed(document.createElementNS(SVG, tag), attributes, children);
}

function dressed(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(
    ...children.flat(Infinity).filter((one) => one !== null && one !== undefined && one !== false),
  );
  return element;
}

/** The element with an id. */
export function byId(id) {
  return document.getElementById(id);
}

/** A canvas made as sharp as the screen, `width` × `height` CSS pixels; its context. */
export function sharpened(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  const [across, down] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== across || canvas.height !== down)
    [canvas.width, canvas.height] = [across, down];
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return context;
}

/** A function that runs `work` once in the next frame, however often it is called. */
export function inNextFrame(work) {
  let waits = false;
  return () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      work();
    });
  };
}

/** A group of radio buttons: `chosen(value)` is called for a new one; returns what sets it. */
export function radios(group, choose) {
  const buttons = [...group.querySelectorAll("[role=radio]")];
  const set = (value) => {
    for (const button of buttons) {
      const is = button.dataset.value === value;
      button.setAttribute("aria-checked", String(is));
      button.tabIndex = is ? 0 : -1;
    }
  };
  group.addEventListener("click", ({ target }) => {
    const button = target.closest("[role=radio]");
    if (button && !button.disabled) choose(button.dataset.value);
  });
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const open = buttons.filter((button) => !button.disabled);
    const next = open[(open.indexOf(document.activeElement) + step + open.length) % open.length];
    next.focus();
    choose(next.dataset.value);
  });
  return set;
}
