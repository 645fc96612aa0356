import { useQuery } from "@tanstack/react-query";
import { useAccount } from "@/features/account/account";
import { demand } from "@/features/session/failure";
import { useSession } from "@/features/session/hooks";
import { api } from "@/features/session/session";

/** The plan and the credits of the chosen account. */
export function useSubscription() {
  const { query, known } = useAccount();
  const enabled = useSession() === "in" && known;
  return useQuery({
    queryKey: ["subscription", query],
    enabled,
    queryFn: async () => demand(await api.GET("/api/billing/subscription", { params: { query } })),
  });
}
