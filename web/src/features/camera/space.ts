/** The camera's path in space, before the picture's relief, in three.js. Loaded when somebody opens this view. */
import {
  BufferAttribute,
  BufferGeometry,
  CatmullRomCurve3,
  Color,
  DoubleSide,
  Line,
  LineBasicMaterial,
  LineSegments,
  Mesh,
  MeshBasicMaterial,
  PerspectiveCamera,
  PlaneGeometry,
  Scene as World,
  SRGBColorSpace,
  Texture,
  TubeGeometry,
  Vector3,
  WebGLRenderer,
} from "three";
import { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
import type { Course } from "./course";
import type { Scene } from "./scene";
import { direction, FAR, FOCAL, type View } from "./view";

const COLUMNS = 160; // of the relief's mesh
const FARTHEST = 3.2; // distance to which the mesh is drawn, in distances of the nearest object
const SAME_SURFACE = 1.25; // greatest ratio of the distances of a triangle's corners
const FRUSTUM = 0.22; // length of the drawn camera

/** Return the camera's place. The world has x right, y up and z towards the spectator; its unit is the nearest object. */
function placeOf({ right, up, forward }: View): Vector3 {
  return new Vector3(right, up, -forward);
}

/** Draw on the canvas until `stop`. `draw` moves the camera to a frame of the course. */
export function showSpace(canvas: HTMLCanvasElement, scene: Scene, course: Course) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => new Color(shown(style.getPropertyValue(name)));
  const renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true });
  renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
  const world = new World();
  const eye = new PerspectiveCamera(40, 1, 0.01, 50);
  eye.position.set(-0.5, 0.5, 1.1);
  const controls = new OrbitControls(eye, canvas);
  controls.target.set(-0.02, 0.12, -1.1);
  controls.enableZoom = false;
  controls.enablePan = false;
  controls.listenToKeyEvents(canvas);

  const relief = reliefOf(scene, course);
  const tally = colour("--color-tally");
  const places = course.views.map(placeOf);
  const lengths = places.map((place) => place.distanceTo(places[0] ?? place));
  if (Math.max(...lengths) > 0.004) {
    const curve = new CatmullRomCurve3(places.filter((place, i) => i === 0 || place.distanceTo(places[i - 1] ?? place) > 1e-5));
    world.add(new Mesh(new TubeGeometry(curve, 200, 0.008, 8), new MeshBasicMaterial({ color: tally })));
  }
  const ink = colour("--color-ink");
  const camera = new LineSegments(new BufferGeometry(), new LineBasicMaterial({ color: ink }));
  const sight = new Line(new BufferGeometry(), new LineBasicMaterial({ color: tally, transparent: true, opacity: 0.7 }));
  camera.frustumCulled = sight.frustumCulled = false;
  world.add(relief, camera, sight);

  const render = () => {
    const { clientWidth, clientHeight } = canvas;
    if (!clientWidth || !clientHeight) return;
    renderer.setSize(clientWidth, clientHeight, false);
    eye.aspect = clientWidth / clientHeight;
    eye.updateProjectionMatrix();
    renderer.render(world, eye);
  };
  controls.addEventListener("change", render);
  const watcher = new ResizeObserver(render);
  watcher.observe(canvas);
  return {
    draw(index: number): void {
      const view = course.views[index];
      if (!view) return;
      const { corners, ahead } = frustumOf(view, course);
      const place = placeOf(view);
      const edges = corners.flatMap((corner, i) => [place, corner, corner, corners[(i + 1) % 4] ?? corner]);
      camera.geometry.setFromPoints(edges);
      sight.geometry.setFromPoints([place, ahead]);
      controls.update();
      render();
    },
    stop(): void {
      watcher.disconnect();
      controls.dispose();
      world.traverse((part) => {
        if (part instanceof Mesh || part instanceof Line) part.geometry.dispose();
      });
      renderer.dispose();
    },
  };
}

/** Return the colour of a custom property, which may differ between the themes, as the browser computes it. */
function shown(value: string): string {
  const probe = document.createElement("i");
  probe.style.color = value;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/** Return the corners of what the camera sees, near it, and a point in front of it. */
function frustumOf(view: View, { frame, cover }: Course) {
  const turned = direction(view);
  const place = placeOf(view);
  const along = (x: number, y: number, z: number, length: number): Vector3 => {
    const [across, down, ahead] = turned.map((row) => row[0] * x + row[1] * y + row[2] * z) as [number, number, number];
    return new Vector3(across, -down, -ahead).multiplyScalar(length / z).add(place);
  };
  const zoom = FOCAL * view.focal * cover;
  const corner = (right: number, down: number) =>
    along(right * frame.across + view.shiftRight * view.focal * cover, down * frame.down - view.shiftUp * view.focal * cover, zoom, FRUSTUM);
  return { corners: [corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)], ahead: along(0, 0, 1, 1) };
}

/** Return the picture as a surface: each point at its distance from the place where the camera stands at rest. */
function reliefOf({ picture, relief }: Scene, { picture: half }: Course): Mesh {
  const rows = Math.round((COLUMNS * half.down) / half.across);
  const geometry = new PlaneGeometry(1, 1, COLUMNS, rows);
  const places = geometry.getAttribute("position") as BufferAttribute;
  const uv = geometry.getAttribute("uv") as BufferAttribute;
  for (let i = 0; i < places.count; i++) {
    const [u, v] = [uv.getX(i), 1 - uv.getY(i)];
    const [column, row] = [Math.min(Math.floor(u * relief.width), relief.width - 1), Math.min(Math.floor(v * relief.height), relief.height - 1)];
    const inverse = Math.max((relief.inverse[row * relief.width + column] ?? 0) / 255, FAR, 1 / FARTHEST);
    const distance = 1 / inverse;
    const [x, y] = [(2 * u - 1) * half.across, (2 * v - 1) * half.down];
    places.setXYZ(i, (x * distance) / FOCAL, (-y * distance) / FOCAL, -distance);
  }
  const far = (i: number) => -places.getZ(i);
  const corners = [...(geometry.getIndex()?.array ?? [])];
  const kept: number[] = [];
  for (let i = 0; i < corners.length; i += 3) {
    const three = corners.slice(i, i + 3);
    const distances = three.map(far);
    if (Math.max(...distances) < Math.min(...distances) * SAME_SURFACE) kept.push(...three); // others span an object's edge
  }
  geometry.setIndex(kept);
  const texture = new Texture(picture);
  texture.colorSpace = SRGBColorSpace;
  texture.needsUpdate = true;
  return new Mesh(geometry, new MeshBasicMaterial({ map: texture, side: DoubleSide, transparent: true, opacity: 0.92 }));
}
