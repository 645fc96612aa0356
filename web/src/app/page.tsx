import { Landing } from "@/features/landing/landing";

export default function Page() {
  return (
    <div id="landing">
      <Landing />
    </div>
  );
}
