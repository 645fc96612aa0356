import { useQuery } from "@tanstack/react-query";
import { useAccount } from "@/features/account/account";
import { demand } from "@/features/session/failure";
import { useSession } from "@/features/session/hooks";
import { api } from "@/features/session/session";

/** The presets of the chosen account, newest first. */
export function useOwnMoves() {
  const { query, known } = useAccount();
  const enabled = useSession() === "in" && known;
  return useQuery({
    queryKey: ["own-moves", query],
    enabled,
    queryFn: async () => demand(await api.GET("/api/presets/own", { params: { query } })).data,
  });
}
