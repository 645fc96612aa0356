"use client";

import { zodResolver } from "@hookform/resolvers/zod";
import { type ReactNode, useId } from "react";
import { type Path, useForm } from "react-hook-form";
import * as z from "zod/mini";
import type { Problem } from "@/features/session/session";
import { type TextKey, useText } from "@/features/text/text";

z.config({ jitless: true }); // the fast parser is compiled with `new Function`, which the policy of the site refuses

export const EMAIL = z.email("auth.email.invalid");
export const PASSWORD = z.string().check(z.minLength(8, "auth.password.short"), z.maxLength(200, "auth.password.long"));

interface Field<Values> {
  name: Path<Values>;
  label: TextKey;
  hint?: TextKey;
  type: "email" | "password" | "text";
  autoComplete: string;
}

interface Props<Values extends Record<string, string>> {
  schema: z.ZodMiniType<Values, Values>;
  fields: Field<Values>[];
  action: TextKey;
  /** Return the API's refusal, or null after success. */
  send: (values: Values) => Promise<Problem | null>;
  children?: ReactNode;
}

/** A form whose errors are beside their fields: those of the page, and those of the API. */
export function DoorForm<Values extends Record<string, string>>({ schema, fields, action, send, children }: Props<Values>) {
  const { t } = useText();
  const id = useId();
  const form = useForm<Values, unknown, Values>({ resolver: zodResolver(schema) as never });
  const { errors, isSubmitting } = form.formState;
  const submit = form.handleSubmit(async (values) => {
    try {
      const problem = await send(values);
      if (!problem) return;
      form.setError("root", { message: problem.detail });
      for (const { field, detail } of problem.errors ?? []) {
        const name = fields.find((one) => field.endsWith(one.name))?.name;
        if (name) form.setError(name, { message: detail });
      }
    } catch {
      form.setError("root", { message: t("offline") });
    }
  });
  const message = (text: string | undefined) => (text?.startsWith("auth.") ? t(text as TextKey) : text);
  return (
    <form onSubmit={submit} noValidate className="mt-7 space-y-5">
      {fields.map(({ name, label, hint, ...input }) => {
        const error = message(errors[name]?.message as string | undefined);
        const described = error || hint ? `${id}-${name}-note` : undefined;
        return (
          <div key={name}>
            <label htmlFor={`${id}-${name}`} className="mb-1.5 block font-[560]">{t(label)}</label>
            <input
              id={`${id}-${name}`}
              className="field"
              aria-invalid={error ? true : undefined}
              aria-describedby={described}
              {...input}
              {...form.register(name)}
            />
            {described && (
              <p id={described} className={`mt-1.5 text-[14px] ${error ? "text-bad" : "text-soft"}`}>{error ?? (hint && t(hint))}</p>
            )}
          </div>
        );
      })}
      {errors.root && <p role="alert" className="border-s-2 border-bad ps-3 text-bad">{errors.root.message}</p>}
      <button type="submit" disabled={isSubmitting} className="button button-main min-h-[42px] w-full">{t(action)}</button>
      {children}
    </form>
  );
}
