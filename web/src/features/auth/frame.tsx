"use client";

import type { ReactNode } from "react";
import { Appearance } from "@/features/shell/appearance";
import { Mark } from "@/ui/mark";

/** The frame of the pages for sign-in and its relatives: a form beside a film. */
export function DoorFrame({ children }: { children: ReactNode }) {
  return (
    <div className="grid min-h-dvh lg:grid-cols-[minmax(440px,1fr)_1.35fr]">
      <div className="flex flex-col px-6 py-5 sm:px-10">
        <header className="flex items-center justify-between">
          <Mark />
          <span className="flex">
            <Appearance />
          </span>
        </header>
        <main className="m-auto w-full max-w-[380px] py-14">{children}</main>
      </div>
      <div className="hidden p-7 lg:block">
        <div className="finder h-full">
          <img src="/lighthouse.jpg" alt="" className="size-full object-cover" />
        </div>
      </div>
    </div>
  );
}
