// Columns out of the page: base64, deflated byte planes, differences. The other half of pack.py.

/** The bytes that base64 text stands for. */
export function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at++) bytes[at] = letters.charCodeAt(at);
  return bytes;
}

/** What was deflated, zlib header and all. */
export async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The column that a header describes, from its planes: Int32Array, or Float64Array where wide. */
export function unpacked({ name, count, coding, base, planes, wide }, bytes) {
  if (bytes.length !== count * planes) throw new Error(`the column ${name} is damaged`);
  const numbers = coding === "delta" ? differences : absolutes;
  return numbers(
    bytes,
    count,
    planes,
    base,
    wide ? new Float64Array(count) : new Int32Array(count),
  );
}

function absolutes(bytes, count, planes, base, values) {
  for (let at = 0; at < count; at++) {
    let value = 0;
    for (let plane = planes - 1; plane >= 0; plane--)
      value = value * 256 + bytes[plane * count + at];
    values[at] = base + value;
  }
  return values;
}

function differences(bytes, count, planes, base, values) {
  let sum = base;
  for (let at = 0; at < count; at++) {
    let step = 0;
    for (let plane = planes - 1; plane >= 0; plane--) step = step * 256 + bytes[plane * count + at];
    sum += step % 2 ? -(step + 1) / 2 : step / 2;
    values[at] = sum;
  }
  return values;
}

/** All columns by name. `text(name)` is the base64 of one. */
export async function columnsOf(headers, text) {
  const one = async (header) => [
    header.name,
    unpacked(header, await inflated(bytesOf(text(header.name)))),
  ];
  return Object.fromEntries(await Promise.all(headers.map(one)));
}
