"use client";

import { useRef } from "react";
import type { Entry } from "@/features/presets/entries";
import { useSession } from "@/features/session/hooks";
import { useText } from "@/features/text/text";
import { AssetRow, SendingRows, useUploads } from "@/features/uploads/files";
import { accepted, type Kind } from "@/features/uploads/upload";
import { Icon, type IconName } from "@/ui/icon";
import { type Draft, EXTRAS, type Extra, TRANSFERS } from "./draft";
import { Toggle } from "./format";

const KINDS: Record<Extra, { kind: Kind; icon: IconName }> = {
  driving: { kind: "VIDEO", icon: "path" },
  audio: { kind: "AUDIO", icon: "sound" },
  captions: { kind: "OTHER", icon: "captions" },
};

interface Props {
  draft: Draft;
  preset: Entry | undefined;
  onChange: (change: Partial<Draft>) => void;
}

/** The files besides the pictures: a clip whose camera path is copied, sound, and captions. */
export function Extras({ draft, preset, onChange }: Props) {
  const { t } = useText();
  return (
    <div className="space-y-2">
      <div className="flex flex-wrap items-start gap-2">
        {EXTRAS.map((extra) => <ExtraField key={extra} extra={extra} draft={draft} onChange={onChange} />)}
      </div>
      {preset?.needsDrivingClip && !draft.driving && <p className="text-[13.5px] text-bad">{t("extra.driving.needed")}</p>}
      {draft.driving && (
        <div>
          <Toggle label={t("extra.transfer")} values={TRANSFERS} value={draft.transfer} shown={(transfer) => t(`transfer.${transfer}`)} onChange={(transfer) => onChange({ transfer })} />
          <p className="mt-1 text-[13.5px] text-soft">{t(`transfer.${draft.transfer}.note`)}</p>
        </div>
      )}
    </div>
  );
}

function ExtraField({ extra, draft, onChange }: Omit<Props, "preset"> & { extra: Extra }) {
  const { t } = useText();
  const signedIn = useSession() === "in";
  const { kind, icon } = KINDS[extra];
  const { sending, add, dismiss } = useUploads(kind, (chosen) => onChange({ [extra]: chosen }));
  const input = useRef<HTMLInputElement>(null);
  const chosen = draft[extra];
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        data-kind={kind}
        accept={accepted(kind)}
        onChange={({ target }) => {
          void add([...(target.files ?? [])]);
          target.value = "";
        }}
      />
      {!chosen && (
        <button type="button" disabled={!signedIn} title={t(`extra.${extra}.about`)} onClick={() => input.current?.click()} className="button min-h-9 px-2.5 text-[14px] font-[450]">
          <Icon name={icon} />
          {t(`extra.${extra}`)}
        </button>
      )}
      {(chosen || sending.length > 0) && (
        <ul className="w-full space-y-2">
          {chosen && <AssetRow {...chosen} icon={icon} label={t(`extra.${extra}`)} onRemove={() => onChange({ [extra]: null })} />}
          <SendingRows sending={sending} dismiss={dismiss} />
        </ul>
      )}
    </>
  );
}
