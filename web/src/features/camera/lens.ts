/** Draws what a camera sees of a scene, with WebGL: the renderer's rays, marched through the relief in a shader. */
import type { Scene } from "./scene";
import { FAR, FOCAL, type Half, rayMatrix, type View } from "./view";

const VERTEX = `#version 300 es
out vec2 at;
void main() {
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 2.0 - 1.0;
  at = vec2(corner.x, -corner.y);
  gl_Position = vec4(corner, 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
precision highp float;
const float F = ${FOCAL.toFixed(1)};
const float FAR = ${FAR};
const int STEPS = 40;
uniform sampler2D picture, relief;
uniform mat3 rays;
uniform vec3 travel;
uniform vec2 frame, whole;
uniform float bulge, focus;
in vec2 at;
out vec4 colour;
vec2 place(vec2 p) { return p / whole * 0.5 + 0.5; }
void main() {
  vec2 q = at * frame;
  q *= (1.0 + bulge * 0.5 * dot(q, q)) / (1.0 + bulge);
  vec3 ray = rays * vec3(q, 1.0);
  vec2 start = ray.xy * F / max(ray.z, 0.2 * F);
  vec2 slope = F * vec2(travel.x, -travel.y) - start * travel.z;
  float stride = (1.0 - FAR) / float(STEPS);
  float d = 1.0;
  for (int i = 0; i < STEPS; i++) {
    if (texture(relief, place(start + slope * d)).r >= d) break;
    d -= stride;
  }
  for (int i = 0; i < 5; i++) {
    stride *= 0.5;
    d += texture(relief, place(start + slope * (d + stride))).r >= d + stride ? stride : 0.0;
  }
  float blur = focus < 0.0 ? 0.0 : 5.0 * abs((d - FAR) / (1.0 - FAR) - focus);
  colour = texture(picture, place(start + slope * d), blur - 0.3);
}`;

export class Lens {
  private readonly uniform: (name: string) => WebGLUniformLocation | null;

  private constructor(private readonly gl: WebGL2RenderingContext, program: WebGLProgram) {
    const places = new Map<string, WebGLUniformLocation | null>();
    this.uniform = (name) => {
      if (!places.has(name)) places.set(name, gl.getUniformLocation(program, name));
      return places.get(name) ?? null;
    };
    gl.useProgram(program);
  }

  /** Return a lens that draws the scene on the canvas, or null if the browser has no WebGL2. */
  static of(canvas: HTMLCanvasElement, { picture, relief }: Scene): Lens | null {
    const gl = canvas.getContext("webgl2", { alpha: false, antialias: false });
    const program = gl?.createProgram();
    if (!gl || !program) return null;
    for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
      const shader = gl.createShader(type);
      if (!shader) return null;
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return null;
    const lens = new Lens(gl, program);
    lens.texture(0, "picture", () => {
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, picture);
      gl.generateMipmap(gl.TEXTURE_2D);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
    });
    lens.texture(1, "relief", () => {
      gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, relief.width, relief.height, 0, gl.RED, gl.UNSIGNED_BYTE, relief.inverse);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    });
    return lens;
  }

  draw(view: View, cover: number, focus: number | null, frame: Half, picture: Half): void {
    const { gl, uniform } = this;
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.uniformMatrix3fv(uniform("rays"), true, rayMatrix(view, cover).flat());
    gl.uniform3f(uniform("travel"), view.right, view.up, view.forward);
    gl.uniform2f(uniform("frame"), frame.across, frame.down);
    gl.uniform2f(uniform("whole"), picture.across, picture.down);
    gl.uniform1f(uniform("bulge"), view.bulge);
    gl.uniform1f(uniform("focus"), focus ?? -1);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  private texture(unit: number, name: string, fill: () => void): void {
    const { gl } = this;
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    fill();
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.MIRRORED_REPEAT);
    gl.uniform1i(this.uniform(name), unit);
  }
}
